# Where no registry answers: npm's Restate server with the interface of docker.io/restatedev/restate.
ARG BASE
FROM ${BASE}
# It does not start without root certificates, whether or not it needs them.
ARG PACKAGES="ca-certificates"
COPY packages /packages
RUN dpkg --install /packages/*.deb && rm -rf /packages
COPY restate-server /usr/local/bin/restate-server
WORKDIR /
EXPOSE 8080 9070 5122
ENTRYPOINT ["/usr/local/bin/restate-server"]
