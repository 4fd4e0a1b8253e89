# The job's image: `docker compose up`, or `docker build -t churn .` and then `docker run churn --help`.

FROM python:3.13-slim-bookworm AS build
WORKDIR /build
COPY requirements-build.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements-build.lock
COPY LICENSE README.md pyproject.toml ./
COPY churn ./churn
COPY jobs ./jobs
COPY migrations ./migrations
COPY sql ./sql
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels .

FROM python:3.13-slim-bookworm
# LightGBM runs on the system's OpenMP library.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 10001 churn
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock && rm requirements.lock
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-deps --no-index /wheels/*.whl
# churn.toml and source/ are mounted here.
WORKDIR /srv/churn
RUN chown churn:churn /srv/churn
USER churn
ENV PYTHONUNBUFFERED=1
HEALTHCHECK --interval=5m --timeout=30s --start-period=1m CMD ["churn", "status"]
ENTRYPOINT ["churn"]
CMD ["--help"]
