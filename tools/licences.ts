/** What the lockfile brings: licences, install scripts, origins. Fails on what `licences.json` does not know. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Accepted, findProblems, isScriptFree, type Lockfile, packagesOf, summarize } from './lockfile.ts'

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
