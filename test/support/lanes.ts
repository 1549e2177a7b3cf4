/**
 * One lane of suites that run side by side. A test takes its turn together with those of other lanes; one that loads
 * the whole machine runs alone. Otherwise another lane could miss a lease for want of a processor.
 */
export interface Lane {
  enter(): Promise<void>
  /** For the rest of this turn: resolves when every other lane is between two tests. */
  goAlone(): Promise<void>
  leave(): void
}

/** What makes lanes that know of each other. */
export function openLanes(): () => Lane {
  let together = 0
  let [wanted, alone] = [0, false]
  let waiting: (() => void)[] = []

  async function until(isFree: () => boolean): Promise<void> {
    while (!isFree()) await new Promise<void>((wake) => waiting.push(wake))
  }
  function wakeAll(): void {
    const all = waiting
    waiting = []
    for (const wake of all) wake()
  }

  return () => {
    let turn: 'none' | 'together' | 'alone' = 'none'
    function leave(): void {
      if (turn === 'together') together--
      if (turn === 'alone') alone = false
      turn = 'none'
      wakeAll()
    }
    return {
      leave,
      enter: async () => {
        // A test that was skipped while it ran has not left.
        leave()
        // Whoever waits to be alone goes first: else lanes that follow each other would never let it.
        await until(() => !alone && wanted === 0)
        together++
        turn = 'together'
      },
      goAlone: async () => {
        leave()
        wanted++
        await until(() => !alone && together === 0)
        wanted--
        alone = true
        turn = 'alone'
      },
    }
  }
}
