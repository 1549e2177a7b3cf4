import { lstatSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { describeError } from '../core/errors.ts'
import { isOurUid } from '../os/owner.ts'

/** POSIX shared memory is a file here; it stays until a process unlinks it. */
const place = '/dev/shm/'

/** The files of POSIX shared memory that a process has in its memory or open. Empty where there is no /proc. */
export function sharedFilesOf(pid: number): readonly string[] {
  const mapped = (attempt(() => readFileSync(`/proc/${pid}/maps`, 'utf8')) ?? '').split('\n')
  const paths = mapped.flatMap((line) => (line.includes(place) ? [line.slice(line.indexOf(place))] : []))
  const open = (attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? []).flatMap(
    (fd) => attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? [],
  )
  const all = [...paths, ...open.filter((path) => path.startsWith(place))]
  return [...new Set(all)].filter((path) => !path.endsWith(' (deleted)'))
}

/** Remove those of this user that nobody uses any more. Returns a sentence on each that could not be removed. */
export function removeSharedFiles(paths: readonly string[]): readonly string[] {
  const ours = paths.filter((path) => isOurFile(path))
  if (ours.length === 0) return []
  const used = new Set(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => sharedFilesOf(Number(pid))),
  )
  return ours
    .filter((path) => !used.has(path))
    .flatMap((path) => {
      try {
        rmSync(path, { force: true })
        return []
      } catch (error) {
        return [`shared memory ${path}: ${describeError(error)}`]
      }
    })
}

function isOurFile(path: string): boolean {
  const found = attempt(() => lstatSync(path))
  return found !== undefined && found.isFile() && isOurUid(found.uid)
}

/** What has ended in between, or is another user's, is undefined. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}
