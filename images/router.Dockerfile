# The network of a node: the harness sets packet filters in it through `docker exec`, and Toxiproxy joins its namespace.
ARG BASE
FROM ${BASE}
ARG PACKAGES="nftables tcpdump iproute2"
# Without a network the packages come from the build's context; the folder is empty otherwise.
COPY packages /packages
RUN if ls /packages/*.deb 2>/dev/null; then dpkg --install /packages/*.deb; \
    else apt-get update && apt-get install --yes --no-install-recommends ${PACKAGES}; fi \
    && rm -rf /packages /var/lib/apt/lists/*
# PID 1 has no default signal actions, hence the trap; `wait` reaps what exec'ed commands leave behind.
ENTRYPOINT ["/bin/sh", "-c", "trap 'exit 0' TERM INT; while :; do sleep 86400 & wait; done"]
