/** So many things, and so many bytes of them. */
export interface Amount {
  readonly count: number
  readonly bytes: number
}

/** What others may make us keep: so much under each name, and so much in all. */
export interface AllowanceLimits {
  readonly each: Amount
  readonly all: Amount
}

export interface Allowance {
  /** Takes room for one thing of so many bytes. Where there is none it takes nothing, and says which limit is reached. */
  take(name: string, bytes: number): string | undefined
}

/** Room that is taken for good. Names take room too: there are never more of them than things. */
export function openAllowance({ each, all }: AllowanceLimits): Allowance {
  const taken = new Map<string, Amount>()
  let total: Amount = { count: 0, bytes: 0 }
  return {
    take(name, bytes) {
      const own = plus(taken.get(name), bytes)
      const both = plus(total, bytes)
      const reached = beyond(own, each, 'for one name') ?? beyond(both, all, 'in all')
      if (reached !== undefined) return reached
      taken.set(name, own)
      total = both
      return undefined
    },
  }
}

function plus(taken: Amount = { count: 0, bytes: 0 }, bytes: number): Amount {
  return { count: taken.count + 1, bytes: taken.bytes + bytes }
}

function beyond(wanted: Amount, most: Amount, where: string): string | undefined {
  if (wanted.count > most.count) return `more than ${most.count} ${where}`
  return wanted.bytes > most.bytes ? `more than ${most.bytes} bytes ${where}` : undefined
}

/** Hears of each loss; tells of the first, and then of those by which the number has doubled: a flood leaves a few lines. */
export function tellByDoubling<T>(tell: (lost: T, soFar: number) => void): (lost: T) => void {
  let [soFar, next] = [0, 1]
  return (lost) => {
    soFar++
    if (soFar < next) return
    next *= 2
    tell(lost, soFar)
  }
}
