# Orderhub as an image. Its commands are the targets of the Makefile: serve, worker, beat, migrate.
FROM python:3.12-slim-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /hub --shell /usr/sbin/nologin hub

ENV VENV=/opt/orderhub PATH=/opt/orderhub/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /hub

COPY Makefile requirements.lock ./
RUN make runtime

COPY manage.py ./
COPY config ./config
COPY orders ./orders
COPY proxy ./proxy
COPY suppliers ./suppliers
COPY orderflow ./orderflow
COPY templates ./templates
RUN make install && install --directory --owner hub var

USER hub
EXPOSE 8000
CMD ["make", "serve"]
