/**
 * Loaded into a node before its own program, in cells that have the fault `block`: at SIGUSR2 its event loop does nothing else until
 * the order is withdrawn or has run out. The order is a file named as the process, in OUTLAST_BLOCK; what it holds is when it
 * runs out, on the monotonic clock. `<pid>.began` says when the loop stood still. No module of ours is loaded: a node starts as it does.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = process.env['OUTLAST_BLOCK']
if (folder !== undefined) process.on('SIGUSR2', () => block(join(folder, String(process.pid))))

function block(order: string): void {
  const untilMs = Number(readFileSync(order, 'utf8'))
  writeFileSync(`${order}.began`, String(nowMs()))
  while (nowMs() < untilMs && existsSync(order)) spin(nowMs() + 1)
  writeFileSync(`${order}.ended`, String(nowMs()))
}

function spin(untilMs: number): void {
  while (nowMs() < untilMs);
}

function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
