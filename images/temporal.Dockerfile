# The interface of docker.io/temporalio/server, a start by the environment alone; beyond it the first start makes the tables.
ARG BASE
FROM ${BASE}
RUN groupadd --gid 1000 temporal && useradd --uid 1000 --gid temporal --shell /usr/sbin/nologin temporal \
    && install -d -o temporal -g temporal /var/lib/temporal
COPY temporal-server temporal-sql-tool temporal-entrypoint.sh /usr/local/bin/
RUN chmod 755 /usr/local/bin/temporal-*
WORKDIR /etc/temporal
USER temporal
EXPOSE 7233 7243
ENTRYPOINT ["temporal-entrypoint.sh"]
