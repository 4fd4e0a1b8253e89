"use strict";
// A page that stands alone is printed: its charts are drawn as the paper is wide, and as the screen is afterwards.
const PAPER = { width: 660, height: 250 };

function canvases() {
  return typeof Plotly === "undefined" ? [] : document.querySelectorAll(".chart .canvas");
}

function toPaper() {
  canvases().forEach((canvas) => {
    canvas.dataset.height = canvas.dataset.height || canvas.layout.height;
    const height = Math.min(PAPER.height, Number(canvas.dataset.height));
    Plotly.relayout(canvas, { width: PAPER.width, height, autosize: false });
  });
}

function toScreen() {
  canvases().forEach((canvas) => {
    Plotly.relayout(canvas, { width: null, height: Number(canvas.dataset.height), autosize: true });
  });
}

window.addEventListener("beforeprint", toPaper);
window.addEventListener("afterprint", toScreen);
