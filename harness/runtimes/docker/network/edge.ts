import { request } from 'undici'
import { HarnessError } from '../../../core/errors.ts'
import { memoizeFirst } from '../../../core/async.ts'
import type { EdgeLimits, Impairment } from '../../../model/link.ts'
import { type Container, execIn } from '../containers/container.ts'

/** One server of the load balancer: the listener to one API node. */
export interface Listener {
  /** Where it listens, on loopback of the router's namespace. */
  readonly port: number
  /** `host:port` of the API node behind it. */
  readonly upstream: string
}

/** nginx in the router's namespace; each listener has limits of its own, or none. */
export interface Edge {
  readonly container: Container
  /** @param url where a client reaches this listener, for trying it out */
  limit(listener: Listener, url: string, limits: EdgeLimits): Promise<Impairment>
}

const configFile = '/etc/nginx/nginx.conf'
const accessLog = '/tmp/edge-access.log'
const errorLog = '/tmp/edge-error.log'
/** Answered by the load balancer itself, so that what is asked of it does not depend on the node behind; and counted nowhere. */
const ownPath = '/outlast-edge'
/** Beyond anything that a cell waits for. */
const never = 86_400_000

/** The files of a load balancer that imposes nothing yet. */
export function edgeFiles(listeners: readonly Listener[]): Readonly<Record<string, string>> {
  return { [configFile]: edgeConfig(listeners, new Map()) }
}

/** Take over an nginx that was started with those files. */
export function openEdge(container: Container, listeners: readonly Listener[]): Edge {
  const inForce = new Map<number, EdgeLimits>()
  const change = together(async () => {
    await configure(container, listeners, inForce)
    await execIn(container, ['nginx', '-s', 'reload'])
  })
  const edge: Limited = { container, inForce, change }
  return { container, limit: (listener, url, limits) => limit(edge, listener, url, limits) }
}

/** Calls that come while one is under way share the next one. */
function together(act: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  return () =>
    (next ??= running = running
      .catch(() => {})
      .then(() => {
        next = undefined
        return act()
      }))
}

interface Limited {
  readonly container: Container
  readonly inForce: Map<number, EdgeLimits>
  readonly change: () => Promise<void>
}

async function limit(
  { container, inForce, change }: Limited,
  listener: Listener,
  url: string,
  limits: EdgeLimits,
): Promise<Impairment> {
  if (inForce.has(listener.port))
    throw new HarnessError(`the load balancer has other limits already: ${inForce.get(listener.port)!.name}`)
  inForce.set(listener.port, limits)
  await change()
  const wanted = describeLimits(limits)
  const tried = await untilAnswering(url, wanted).catch(async (error: unknown) => {
    inForce.delete(listener.port)
    await change()
    throw error
  })
  const before = await readLogs(container, listener)
  const since = async () => {
    const now = await readLogs(container, listener)
    return {
      requests: now.requests - before.requests,
      cut: now.cut - before.cut,
      timedOut: now.timedOut - before.timedOut,
    }
  }
  return {
    evidence: { limits: wanted, tried },
    firings: async () => (await since()).requests,
    counts: since,
    listed: memoizeFirst(async () => (await askLimits(url)) === wanted),
    heal: async () => {
      if (inForce.get(listener.port) !== limits) return
      inForce.delete(listener.port)
      await change()
      await untilAnswering(url, describeLimits(undefined))
    },
  }
}

async function configure(
  container: Container,
  listeners: readonly Listener[],
  inForce: ReadonlyMap<number, EdgeLimits>,
): Promise<void> {
  const text = edgeConfig(listeners, inForce)
  await execIn(container, ['sh', '-c', `printf %s "$1" > ${configFile}`, 'sh', text])
}

/** The whole configuration of nginx. Durations in milliseconds. Without capabilities root can become nobody else. */
export function edgeConfig(listeners: readonly Listener[], inForce: ReadonlyMap<number, EdgeLimits>): string {
  return `user root;
worker_processes 1;
error_log ${errorLog} error;
events { worker_connections 16384; }
http {
  log_format edge '$server_port $status $request_completion';
  access_log ${accessLog} edge;
  client_body_temp_path /tmp/edge-bodies;
  proxy_temp_path /tmp/edge-proxied;
  # A handshake passes as every load balancer of today lets it; other requests keep their connection to the node.
  map $http_upgrade $edge_connection { default upgrade; '' ''; }
${listeners.map((listener) => listenerConfig(listener, inForce.get(listener.port))).join('\n')}
}
`
}

/** An answer that comes from nginx itself or through it says which limits are in force. */
function listenerConfig({ port, upstream }: Listener, limits: EdgeLimits | undefined): string {
  const idle = `${limits?.idleMs ?? never}ms`
  return `  server {
    listen 127.0.0.1:${port} backlog=4096;
    add_header X-Outlast-Edge "${describeLimits(limits)}" always;
    keepalive_timeout ${idle};
    keepalive_requests 1000000;
    location = ${ownPath} { access_log off; return 204; }
    location / {
      proxy_pass http://${upstream};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $edge_connection;
      proxy_set_header Host $http_host;
      proxy_read_timeout ${idle};
      proxy_send_timeout ${idle};
      proxy_buffering ${limits?.buffering ? 'on' : 'off'};
      proxy_next_upstream off;
    }
  }`
}

function describeLimits(limits: EdgeLimits | undefined): string {
  return limits ? `idle=${limits.idleMs}ms buffering=${limits.buffering ? 'on' : 'off'}` : 'none'
}

const answerWithinMs = 2_000

/** A reload is done when a new connection meets the new configuration. */
async function untilAnswering(url: string, wanted: string): Promise<string> {
  const deadline = performance.now() + answerWithinMs
  let answer = await askLimits(url)
  while (answer !== wanted && performance.now() < deadline) answer = await askLimits(url)
  if (answer === wanted) return answer
  throw new HarnessError(`the load balancer was told "${wanted}" and answers with "${answer ?? 'nothing'}"`)
}

async function askLimits(url: string): Promise<string | undefined> {
  try {
    const response = await request(`${url}${ownPath}`, {
      reset: true,
      headersTimeout: answerWithinMs,
      bodyTimeout: answerWithinMs,
    })
    await response.body.dump()
    return response.headers['x-outlast-edge']?.toString()
  } catch {
    return undefined
  }
}

interface EdgeCounts {
  readonly requests: number
  /** Responses that ended before they were complete. */
  readonly cut: number
  /** Gave up on a silent API node: 504, or a cut. */
  readonly timedOut: number
}

async function readLogs(container: Container, { port, upstream }: Listener): Promise<EdgeCounts> {
  const script = `grep -c "^${port} " ${accessLog}; grep -c "^${port} [0-9]* $" ${accessLog}; grep "upstream timed out" ${errorLog} | grep -c "//${upstream}/"; true`
  const [requests = 0, cut = 0, timedOut = 0] = (await execIn(container, ['sh', '-c', script]))
    .trim()
    .split(/\s+/)
    .map(Number)
  return { requests, cut, timedOut }
}
