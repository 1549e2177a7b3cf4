import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { Transform } from 'node:stream'

/** A way to the Docker Engine that changes what it is asked. */
export interface DockerSocket extends AsyncDisposable {
  /** For `DOCKER_HOST`. */
  readonly url: string
  /** How many requests were changed. */
  readonly changed: () => number
}

/** A socket in `folder` where no container is ever given a capability, whatever was asked for. */
export async function refuseCapabilities(folder: string): Promise<DockerSocket> {
  const engine = (process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock').replace('unix://', '')
  if (!existsSync(engine)) throw new Error(`there is no ${engine}`)
  let changed = 0
  const deny = (): Transform =>
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        // As many bytes as before: the length was announced.
        const text = chunk.toString('latin1').replaceAll(/"CapAdd":\["[A-Z_",]+"\]/g, (asked) => {
          changed++
          return '"CapAdd":[]'.padEnd(asked.length)
        })
        done(null, Buffer.from(text, 'latin1'))
      },
    })
  const clients = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (client) => {
    clients.add(client)
    const upstream = connect({ path: engine, allowHalfOpen: true })
    client.pipe(deny()).pipe(upstream).pipe(client)
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
    upstream.on('error', () => client.destroy())
  })
  const path = join(folder, 'docker.sock')
  await once(server.listen(path), 'listening')
  return {
    url: `unix://${path}`,
    changed: () => changed,
    [Symbol.asyncDispose]: async () => {
      for (const socket of clients) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
