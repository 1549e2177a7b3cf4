import type { Owner } from '../../../model/runtime.ts'
import { thisProcess } from '../../../os/owner.ts'

export const runLabelKey = 'outlast.run'
const ownerLabelKeys = {
  pid: 'outlast.owner.pid',
  startTicks: 'outlast.owner.ticks',
  place: 'outlast.owner.place',
} as const

const uidKey = 'outlast.owner.uid'

/** By which cleanup knows the owner, and whether the process that made it still runs. */
export function ownerLabels(): Readonly<Record<string, string>> {
  const { pid, startTicks, place } = thisProcess()
  return {
    [ownerLabelKeys.pid]: String(pid),
    [ownerLabelKeys.startTicks]: startTicks,
    [ownerLabelKeys.place]: place,
    ...(process.geteuid && { [uidKey]: String(process.geteuid()) }),
  }
}

/** Whose it is. Undefined where the labels do not say. */
export function readUid(labels: Readonly<Record<string, string>>): number | undefined {
  const uid = labels[uidKey]
  return uid !== undefined && /^\d{1,10}$/.test(uid) ? Number(uid) : undefined
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
