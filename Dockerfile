# The job's image: `docker compose up`, or `docker build -t churn .` and then `docker run churn --help`.

FROM python:3.13.5-slim-bookworm AS build
WORKDIR /build
COPY requirements-build.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements-build.lock
COPY LICENSE README.md pyproject.toml ./
COPY churn ./churn
COPY jobs ./jobs
COPY migrations ./migrations
COPY sql ./sql
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels .

FROM python:3.13.5-slim-bookworm
# LightGBM runs on the system's OpenMP library.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock && rm requirements.lock
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-deps --no-index /wheels/*.whl
# churn.toml and source/ are mounted here; .churn/ holds the health file and the key of `churn forget`.
RUN useradd --no-create-home --home-dir /srv/churn --shell /usr/sbin/nologin --uid 10001 churn \
    && mkdir -p /srv/churn/.churn \
    && chown churn:churn /srv/churn/.churn
WORKDIR /srv/churn
USER 10001
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Of the scheduler; other commands come and go before it is asked.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["churn", "scheduler", "--healthy"]
ENTRYPOINT ["churn"]
CMD ["--help"]
