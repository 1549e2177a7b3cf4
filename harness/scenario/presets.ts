/** How large a study is to be, where a scenario does not say it. */
export interface Preset {
  /** Real time that a run may take on two cores, checks before it included. */
  readonly budgetMs: number
  /** Absent: nothing is sized by power. */
  readonly aim?: Aim
  readonly about: string
}

export interface Aim {
  /** A system that loses this share of what each gate allows is to pass in four of five runs. */
  readonly loss: number
  /** What every control is to show where it has no gate: this success, without a loss. */
  readonly shows: number
  /** In every arm with faults, all repetitions together. */
  readonly faults: number
  readonly repetitions: number
}

const minute = 60_000

export const presets = {
  smoke: { budgetMs: 2 * minute, about: 'does everything work: a few tasks, each fault once' },
  pr: {
    budgetMs: 5 * minute,
    aim: { loss: 0, shows: 0.9, faults: 6, repetitions: 1 },
    about: 'a system without a loss can pass every gate; controls can show 90 %, and each other arm has 6 faults',
  },
  nightly: {
    budgetMs: 60 * minute,
    aim: { loss: 0.25, shows: 0.95, faults: 12, repetitions: 3 },
    about:
      'one that loses a quarter of what a gate allows passes in four of five runs; controls can show 95 %, and each other arm has 12 faults; 3 repetitions',
  },
  publish: {
    budgetMs: 8 * 60 * minute,
    aim: { loss: 0.5, shows: 0.99, faults: 30, repetitions: 5 },
    about:
      'one that loses half of what a gate allows passes in four of five runs; controls can show 99 %, and each other arm has 30 faults; 5 repetitions, so that each can be one observation',
  },
} as const satisfies Readonly<Record<string, Preset>>
export type PresetName = keyof typeof presets
export const presetNames = Object.keys(presets) as [PresetName, ...PresetName[]]
