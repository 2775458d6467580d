# The server. Alone it starts its own Postgres and Redis under /data; docker-compose.yml gives it
# real ones.
FROM python:3.11-slim AS build
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir -r requirements.txt

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home fieldbook \
    && install --directory --owner fieldbook --mode 700 /data
COPY --from=build /venv /venv
WORKDIR /app
COPY LICENSE ./
COPY public ./public
COPY sql ./sql
COPY server ./server
# A container's network is its own, so listening everywhere is for the container to publish.
ENV HOST=0.0.0.0 PORT=3000 DATA_DIR=/data PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
USER fieldbook
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD \
    ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/ready', timeout=2)"]
CMD ["python", "-m", "server"]
