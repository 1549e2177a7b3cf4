/** What the lockfile brings: licences, install scripts, origins. Fails on what `licences.json` does not know. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** npm's `package-lock.json`, version 3, as far as it matters here. */
export interface Lockfile {
  readonly packages: Readonly<Record<string, Entry>>
}

interface Entry {
  readonly version?: string
  readonly license?: string
  readonly hasInstallScript?: true
  readonly dev?: true
  readonly integrity?: string
  /** Left out by npm where it is the registry (`.npmrc`). */
  readonly resolved?: string
}

export interface Package extends Entry {
  readonly name: string
}

/** `licences.json`: what a person has checked. */
export interface Accepted {
  /** SPDX identifiers that ask for no more than to keep a notice. */
  readonly permissive: readonly string[]
  readonly others: readonly Other[]
  /** Why each is not needed: no install script runs. */
  readonly installScripts: Readonly<Record<string, string>>
}

interface Other {
  /** What the lockfile says; null: nothing. */
  readonly says: string | null
  /** What the licence file says, as an SPDX identifier. */
  readonly is: string
  readonly packages: readonly string[]
  readonly why: string
}

export function packagesOf({ packages }: Lockfile): readonly Package[] {
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, entry]) => ({ ...entry, name: path.replace(/^.*node_modules\//, '') }))
}

/** One sentence for everything that nobody has looked at, and for every entry that nothing needs any more. */
export function findProblems(packages: readonly Package[], accepted: Accepted): string[] {
  return [
    ...packages.flatMap((one) => [...licenceProblems(one, accepted), ...originProblems(one)]),
    ...packages.filter((one) => one.hasInstallScript && !(one.name in accepted.installScripts)).map(newScript),
    ...staleEntries(packages, accepted),
  ]
}

function licenceProblems({ name, version, license }: Package, { permissive, others }: Accepted): string[] {
  const known = others.some(({ says, packages }) => says === (license ?? null) && packages.includes(name))
  if (known || (license !== undefined && isPermissive(license, permissive))) return []
  return [`${name}@${version}: its licence, ${license ?? 'which it does not name'}, is not in the list`]
}

/** One of several that may be chosen is enough; of several that hold together each counts. */
function isPermissive(expression: string, permissive: readonly string[]): boolean {
  const plain = expression.replaceAll(/[()]/g, '')
  if (plain.includes(' AND ')) return plain.split(/ AND | OR /).every((id) => permissive.includes(id))
  return plain.split(' OR ').some((id) => permissive.includes(id))
}

function originProblems({ name, version, integrity, resolved }: Package): string[] {
  return [
    ...(integrity === undefined ? [`${name}@${version}: the lockfile has no hash of it`] : []),
    ...(resolved === undefined ? [] : [`${name}@${version}: does not come from the registry but from ${resolved}`]),
  ]
}

function newScript({ name, version }: Package): string {
  return `${name}@${version}: has an install script, which is not in the list`
}

function staleEntries(packages: readonly Package[], { others, installScripts }: Accepted): string[] {
  const listed = others.flatMap(({ says, packages: names }) => names.map((name) => ({ name, says })))
  const unused = listed.filter(
    ({ name, says }) => !packages.some((one) => one.name === name && (one.license ?? null) === says),
  )
  const idle = Object.keys(installScripts).filter(
    (name) => !packages.some((one) => one.name === name && one.hasInstallScript),
  )
  return [...unused.map(({ name }) => name), ...idle].map(
    (name) => `${name}: is in the list and nothing needs it there`,
  )
}

export function isScriptFree(npmrc: string): boolean {
  return /^ignore-scripts=true$/m.test(npmrc)
}

/** What a reader wants to know: how many, under which licences, and what is not permissive. */
export function summarize(packages: readonly Package[], { others, installScripts }: Accepted): string[] {
  const development = packages.filter(({ dev }) => dev).length
  const counts = Map.groupBy(packages, ({ license }) => license ?? 'not named')
  const shares = [...counts].map(([name, { length }]) => ({ name, length })).toSorted((a, b) => b.length - a.length)
  return [
    `${packages.length} packages, ${development} of them for development, or for engines that a project asks for: ${shares.map(({ name, length }) => `${name} ${length}`).join(', ')}`,
    ...others.map(
      ({ says, is, packages: names, why }) => `${is} (said: ${says ?? 'nothing'}), ${shorten(names)}: ${why}`,
    ),
    `install scripts, none of which runs: ${Object.keys(installScripts).join(', ')}`,
  ]
}

function shorten([first, ...more]: readonly string[]): string {
  return more.length > 3 ? `${first} and ${more.length} more` : [first, ...more].join(', ')
}

if (import.meta.main) {
  const checkout = join(import.meta.dirname, '..')
  const text = (path: string): string => readFileSync(join(checkout, path), 'utf8')

  const packages = packagesOf(JSON.parse(text('package-lock.json')) as Lockfile)
  const accepted = JSON.parse(text('tools/licences.json')) as Accepted
  const problems = findProblems(packages, accepted)
  if (!isScriptFree(text('.npmrc')))
    problems.push('.npmrc: ignore-scripts=true is missing, so that install scripts would run')

  for (const line of summarize(packages, accepted)) console.log(line)
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) {
    console.error('Look at what is new, and write it down in tools/licences.json with the reason, or do without it.')
    process.exitCode = 1
  }
}
