# Where no registry answers: Debian's nginx with the interface of docker.io/library/nginx.
ARG BASE
FROM ${BASE}
ARG PACKAGES="nginx-light"
COPY packages /packages
RUN dpkg --install /packages/*.deb && rm -rf /packages \
    && ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
