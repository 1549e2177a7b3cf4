# Where no registry answers: Debian's Redis with the interface of docker.io/library/redis, minus its entry point.
ARG BASE
FROM ${BASE}
ARG PACKAGES="redis-server"
COPY packages /packages
RUN dpkg --install /packages/*.deb && rm -rf /packages && install -d -o redis -g redis /data
VOLUME /data
WORKDIR /data
EXPOSE 6379
CMD ["redis-server"]
