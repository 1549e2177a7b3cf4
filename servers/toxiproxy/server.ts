import { request } from 'undici'
import { buildProgram } from '../_kit/install.ts'
import { versionOf } from '../_kit/command.ts'
import type { Server } from '../server.ts'

/** Also the release that is built where the image cannot be pulled. */
const release = '2.12.0'
const digest = 'sha256:9378ed52a28bc50edc1350f936f518f31fa95f0d15917d6eb40b8e376d1a214e'
const patienceMs = 5_000

const server: Server = {
  name: 'toxiproxy',
  title: 'Toxiproxy',
  summary: 'the proxy that carries the links of the docker runtime',
  version,
  image: { pin: `ghcr.io/shopify/toxiproxy:${release}@${digest}`, versions: () => [release], layOut },
}
export default server

/** The embedded proxy is always there; a real server is used where one is named or found. */
async function version(): Promise<string> {
  const url = process.env['OUTLAST_TOXIPROXY_URL']
  if (url === undefined) return versionOf('toxiproxy-server')
  const answer = await request(new URL('/version', url), { headersTimeout: patienceMs, bodyTimeout: patienceMs })
  return `${url} answers ${(await answer.body.text()).trim()}`
}

async function layOut(folder: string): Promise<void> {
  const module = 'github.com/Shopify/toxiproxy/v2'
  await buildProgram(`${module}/cmd/server@v${release}`, folder, `${module}.Version=${release}`)
}
