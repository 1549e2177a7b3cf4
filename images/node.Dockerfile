# Our own nodes: the same image for API nodes (patterns/serve.ts) and executors (patterns/work.ts), set up by OUTLAST_*.
ARG BASE
FROM ${BASE}
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home --shell /usr/sbin/nologin node
COPY node /usr/local/bin/node
WORKDIR /outlast
# A layer of its own: packages are most of the image, and change less often than code.
COPY node_modules ./node_modules/
COPY app ./
# Read on every start. It holds what this very Node compiled for this very user, so that user fills it.
ENV NODE_COMPILE_CACHE=/var/cache/outlast
RUN install -d -o node -g node "$NODE_COMPILE_CACHE"
USER node
COPY warm.ts /tmp/warm.ts
RUN node /tmp/warm.ts
EXPOSE 8080
ENTRYPOINT ["node"]
CMD ["patterns/serve.ts"]
