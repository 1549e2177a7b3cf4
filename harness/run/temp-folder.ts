import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Owner } from '../core/types.ts'
import { thisProcess } from '../os/owner.ts'

/** Everything temporary of a run (databases, sockets, caches) lives in one folder with this prefix. */
const prefix = 'outlast-'
const ownerFile = 'owner.json'

/** A run's temporary folder, and who owns it. */
export interface Claim {
  readonly run: string
  readonly folder: string
  readonly owner: Owner
}

/** Make the run's temporary folder and write down who owns it, before anything is started. */
export function claimTemp(run: string): string {
  const folder = join(tmpdir(), prefix + run)
  // A server that runs as another user must be able to enter its own data folder below.
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  writeFileSync(join(folder, ownerFile), JSON.stringify({ run, ...thisProcess() }))
  return folder
}

/** The temporary folders of runs, by what is written in them: a folder without a claim is none of ours. */
export function findClaims(): readonly Claim[] {
  return listTemp().flatMap((name) => {
    const folder = join(tmpdir(), name)
    try {
      const { run, ...owner } = JSON.parse(readFileSync(join(folder, ownerFile), 'utf8')) as Owner & { run: string }
      return [{ run, folder, owner }]
    } catch {
      return []
    }
  })
}

/** Names in the temporary folder of this machine that begin as ours do. */
export function listTemp(): readonly string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith(prefix))
}
