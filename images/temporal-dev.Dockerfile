# The interface of docker.io/temporalio/temporal, the Temporal CLI; /var/lib/temporal is its own, for a database file.
ARG BASE
FROM ${BASE}
RUN groupadd --gid 1000 temporal && useradd --uid 1000 --gid temporal --shell /usr/sbin/nologin temporal \
    && install -d -o temporal -g temporal /var/lib/temporal
COPY temporal /usr/local/bin/temporal
USER temporal
EXPOSE 7233 7243
ENTRYPOINT ["temporal"]
