import type { Server } from '../server.ts'

const server: Server = {
  name: 'nginx',
  title: 'nginx',
  summary: 'the load balancer of the docker runtime',
  image: {
    pin: 'docker.io/library/nginx:1.30.5@sha256:b972f831f200b19ef0767938224f9711e74cd783718738cd7405d5cabf75c442',
  },
}
export default server
