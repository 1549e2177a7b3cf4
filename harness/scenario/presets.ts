/** How large a study is to be, where a scenario does not say it. */
export interface Preset {
  /** Real time that a run may take on two cores, checks before it included. */
  readonly budgetMs: number
  /** A system that loses this share of what each gate allows is to pass in four of five runs; absent: nothing is sized by power. */
  readonly loss?: number
  /** Where no gate says what is to be shown: this success, without a loss. */
  readonly shows?: number
  readonly about: string
}

const minute = 60_000

export const presets = {
  smoke: { budgetMs: 2 * minute, about: 'does everything work: a few tasks, each fault once, in two minutes' },
  pr: {
    budgetMs: 5 * minute,
    loss: 0,
    shows: 0.9,
    about: 'a system without a loss can pass every gate, or show 90 % success where there is none; in five minutes',
  },
  nightly: {
    budgetMs: 60 * minute,
    loss: 0.25,
    shows: 0.95,
    about:
      'one that loses a quarter of what a gate allows passes in four of five runs, or 95 % can be shown; in an hour',
  },
  publish: {
    budgetMs: 8 * 60 * minute,
    loss: 0.5,
    shows: 0.99,
    about:
      'one that loses half of what a gate allows passes in four of five runs, or 99 % can be shown; in eight hours',
  },
} as const satisfies Readonly<Record<string, Preset>>
export type PresetName = keyof typeof presets
export const presetNames = Object.keys(presets) as [PresetName, ...PresetName[]]
