import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { labelEntry } from './label.ts'

export interface LabelledProcess {
  readonly pid: number
  readonly command: string
}

/**
 * Processes that carry the run's label, except the asking one. Reads /proc where there is one, else `ps`.
 * Zombies do not count: they are dead and only wait for their parent to notice.
 */
export function findLabelled(run: string): readonly LabelledProcess[] {
  const found = hasProc() ? scanProc(run) : scanPs(run)
  return found.filter(({ pid }) => pid !== process.pid)
}

function hasProc(): boolean {
  try {
    return readlinkSync('/proc/self') !== ''
  } catch {
    return false
  }
}

function scanProc(run: string): LabelledProcess[] {
  const entry = labelEntry(run)
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const environment = readProc(pid, 'environ')
      if (!environment?.split('\0').includes(entry)) return []
      return [{ pid: Number(pid), command: readProc(pid, 'cmdline')?.replaceAll('\0', ' ').trim() ?? '' }]
    })
}

function readProc(pid: string, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    // Ended in between, or somebody else's.
    return undefined
  }
}

function scanPs(run: string): LabelledProcess[] {
  const listing = execFileSync('ps', ['-Eww', '-ax', '-o', 'pid=,command='], { encoding: 'utf8' })
  return listing
    .split('\n')
    .filter((line) => line.includes(labelEntry(run)))
    .map((line) => ({ pid: Number.parseInt(line, 10), command: line.trim() }))
}
