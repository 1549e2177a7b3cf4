#!/usr/bin/env node
// Plain JavaScript that any Node can read: it finds a Node that runs TypeScript, and hands over to it.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import module from 'node:module'
import { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'

const wanted = 24
// Node's own exit code for a crash is 1, which would read as a verdict.
const [usage, harnessError] = [3, 4]
// npm installs the one of this platform, and runs no script for it.
const carrier = `node-${process.platform}-${process.arch}`
const pinned = findPinned()
// Who hands over keeps the other end of this descriptor of its child, named by this variable, for as long as it lives.
const [lifeline, lifelineFd] = ['OUTLAST_LIFELINE_FD', 3]

if (Number.parseInt(process.versions.node, 10) >= wanted) await start()
// Handed over to once already, it would go on for ever.
else if (pinned && !(lifeline in process.env)) handOver()
else refuse()

/** In a project npm puts it beside us, in a checkout below us. */
function findPinned() {
  try {
    return module.createRequire(import.meta.url).resolve(`${carrier}/bin/node`)
  } catch {
    return undefined
  }
}

async function start() {
  endWithStarter()
  process.on('uncaughtException', fail)
  const built = new URL('../dist/harness/cli/main.js', import.meta.url)
  const source = new URL('../harness/cli/main.ts', import.meta.url)
  const isCheckout = existsSync(source)
  keepCompiled(isCheckout)
  try {
    const { main } = await import((isCheckout ? source : built).href)
    // From here on it has more to say of what nobody catches.
    process.off('uncaughtException', fail)
    await main(process.argv.slice(2))
  } catch (error) {
    fail(error)
  }
}

/**
 * A start is mostly compilation: what one compiled, the next loads. Whoever can write beside the packages could change the code
 * as well, and nobody else can write there whatever the umask is.
 */
function keepCompiled(isCheckout) {
  const folder = new URL(`../${isCheckout ? 'node_modules' : '..'}/.cache/outlast`, import.meta.url)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    module.enableCompileCache(fileURLToPath(folder))
  } catch {
    // Not ours to write: then each start compiles anew.
  }
}

function fail(error) {
  try {
    console.error(`outlast failed, which says nothing about the systems under test: ${String(error)}`)
  } finally {
    process.exit(harnessError)
  }
}

function handOver() {
  const child = spawn(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, [lifeline]: String(lifelineFd) },
  })
  // A terminal sends its signals to both of us; whoever signals only this process means the other.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.stdio[lifelineFd].on('error', () => {})
  child.on('error', refuse)
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal ? harnessError : usage)
  })
}

/** Killed by SIGKILL, the process that a user started can pass on nothing: then this one dies in the same way. */
function endWithStarter() {
  const fd = Number(process.env[lifeline])
  delete process.env[lifeline]
  if (fd !== lifelineFd) return
  const die = () => process.kill(process.pid, 'SIGKILL')
  new Socket({ fd, readable: true, writable: false }).on('error', die).on('close', die).resume().unref()
}

function refuse() {
  console.error(`outlast needs Node ${wanted} or newer and this is ${process.version}; ${howToMend()}`)
  process.exitCode = usage
}

function howToMend() {
  const { optionalDependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  if (!optionalDependencies[carrier])
    return `npm brings none for ${process.platform}-${process.arch}: install it from nodejs.org`
  if (pinned) return `${pinned} does not run here: install Node from nodejs.org`
  const isCheckout = existsSync(new URL('../package-lock.json', import.meta.url))
  const how = isCheckout ? 'npm run platform' : `npm i -D -E ${carrier}@${optionalDependencies[carrier]}`
  return `the package ${carrier}, which is one, is missing: "${how}" installs it, or install Node from nodejs.org`
}
