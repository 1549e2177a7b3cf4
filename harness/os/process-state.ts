import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { runLabel } from './label.ts'

/** One letter as the kernel says it: R, S, D, T (stopped), Z; empty when gone. */
export function processState(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat[stat.lastIndexOf(')') + 2] ?? ''
  } catch {
    return psState(pid)
  }
}

function psState(pid: number): string {
  const env = { ...process.env, ...runLabel() }
  const { stdout } = spawnSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8', env })
  return (stdout ?? '').trim().charAt(0)
}
