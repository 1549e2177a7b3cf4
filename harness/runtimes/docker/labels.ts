import type { Owner } from '../../core/types.ts'
import { thisProcess } from '../../os/owner.ts'

export const runLabelKey = 'outlast.run'
const ownerLabelKeys = {
  pid: 'outlast.owner.pid',
  startTicks: 'outlast.owner.ticks',
  place: 'outlast.owner.place',
} as const

/** By which whoever cleans up knows whether the process that made something still runs. */
export function ownerLabels(): Readonly<Record<string, string>> {
  const { pid, startTicks, place } = thisProcess()
  return {
    [ownerLabelKeys.pid]: String(pid),
    [ownerLabelKeys.startTicks]: startTicks,
    [ownerLabelKeys.place]: place,
  }
}

/** Undefined where the labels do not name one. */
export function readOwner(labels: Readonly<Record<string, string>>): Owner | undefined {
  const [pid, startTicks, place] = Object.values(ownerLabelKeys).map((key) => labels[key])
  if (!pid || startTicks === undefined || !place) return undefined
  return { pid: Number(pid), startTicks, place }
}

/** How the name of everything of a run begins. */
export function namePrefix(run: string): string {
  return `outlast-${run}-`
}
