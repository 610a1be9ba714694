# Two stages: the first builds the front end and installs everything into /opt/chat (Node comes from PyPI, as a build requirement);
# the second is slim Python with that folder. It runs as nobody in particular, and writes to /data and /tmp alone.
ARG PYTHON=3.13-slim-trixie

FROM python:${PYTHON} AS build
WORKDIR /src
COPY pyproject.toml requirements.lock hatch_build.py README.md CHANGELOG.md LICENSE ./
COPY frontend frontend
COPY app app
RUN python -m venv /opt/chat \
 && /opt/chat/bin/pip install --no-cache-dir --constraint requirements.lock ".[embedded,postgres]"

FROM python:${PYTHON}
# libgomp1: the built-in model; postgresql-client: flask backup of a PostgreSQL database.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libgomp1 postgresql-client \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --home-dir /data --create-home --shell /usr/sbin/nologin chat
COPY --from=build /opt/chat /opt/chat
COPY wsgi.py gunicorn.conf.py /app/
COPY docker/start.sh /app/docker/start.sh

ENV PATH=/opt/chat/bin:$PATH \
    FLASK_APP=/app/wsgi.py \
    FLASK_ENV=production \
    BIND=0.0.0.0:8000 \
    PUBLIC_URL=http://localhost:8000 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
CMD ["/app/docker/start.sh"]
