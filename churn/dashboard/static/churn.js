"use strict";
// Draws the charts of a page in the colours of its theme. Everything else works without a script.

function themed(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--chart-${name}`).trim();
}

// A colour is named by its meaning in the data; the theme says what it looks like.
function inColour(value, key) {
  if (Array.isArray(value)) return value.map((item) => inColour(item, key));
  if (value !== null && typeof value === "object") {
    const found = {};
    for (const [name, item] of Object.entries(value)) found[name] = inColour(item, name);
    return found;
  }
  if (key === "colorscale" && typeof value === "string") return [[0, themed("lowest")], [1, themed(value)]];
  if (key === "color" && typeof value === "string") return themed(value) || value;
  return value;
}

function layoutOf(layout) {
  const text = themed("text");
  const grid = { gridcolor: themed("grid"), linecolor: themed("grid"), zerolinecolor: themed("grid"), automargin: true };
  return {
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: text },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 56, r: 16, t: 8, b: 44 },
    hovermode: "closest",
    legend: { orientation: "h", y: 1.12, x: 0 },
    ...layout,
    xaxis: { ...grid, ...layout.xaxis },
    yaxis: { ...grid, ...layout.yaxis },
  };
}

function draw(place) {
  const figure = inColour(JSON.parse(place.querySelector("script").textContent), "");
  const options = { displayModeBar: false, responsive: true };
  const canvas = place.querySelector(".canvas") || place.appendChild(document.createElement("div"));
  canvas.className = "canvas";
  Plotly.react(canvas, figure.data, layoutOf(figure.layout), options);
}

function drawAll() {
  if (typeof Plotly === "undefined") return;
  document.querySelectorAll(".chart").forEach(draw);
  document.documentElement.dataset.drawn = "true";
}

window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
document.addEventListener("DOMContentLoaded", drawAll);
