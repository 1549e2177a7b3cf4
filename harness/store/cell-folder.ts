import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunFolder } from './run-folder.ts'

/** The files of one cell, as absolute paths. */
export interface CellFolder {
  readonly path: string
  /** What happened: one `Op` per line. Everything that is judged comes from here. */
  readonly history: string
  /** What actuators and proxies said while they did it. */
  readonly evidence: string
  /** The tool server's own record, merged into the history when the cell ends. */
  readonly ledger: string
  /** Standard output and error of every node. */
  readonly logs: string
}

/** The files of a cell, whether they exist or not. */
export function cellFolder(run: RunFolder, cell: string): CellFolder {
  const path = join(run.path, 'cells', cell)
  return {
    path,
    history: join(path, 'history.ndjson'),
    evidence: join(path, 'evidence.ndjson'),
    ledger: join(path, 'ledger.ndjson'),
    logs: join(path, 'logs'),
  }
}

/** Make the cell's folder, with its folder for logs. */
export async function createCell(run: RunFolder, cell: string): Promise<CellFolder> {
  const folder = cellFolder(run, cell)
  await mkdir(folder.logs, { recursive: true })
  return folder
}

/** Whether the cell was begun: an interrupted run has cells that were not. */
export async function cellBegan(run: RunFolder, cell: string): Promise<boolean> {
  return stat(cellFolder(run, cell).history).then(
    () => true,
    () => false,
  )
}
