# Where no registry answers: a static binary with the interface of ghcr.io/shopify/toxiproxy.
FROM scratch
COPY server /toxiproxy
EXPOSE 8474
ENTRYPOINT ["/toxiproxy"]
CMD ["-host=0.0.0.0"]
