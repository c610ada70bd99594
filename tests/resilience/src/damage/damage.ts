import type { Answers } from './questions.ts'

/** What is to be done to copies of a store, each once at every `step`th place. */
export interface Damage {
  /** Where the damaged copy lies while it is tried. */
  readonly path: string
  /** The intact file, and the log that goes with it if there is one. */
  readonly file: string
  readonly log: string | undefined
  readonly target: 'file' | 'log'
  /** One bit turned around, or the end cut off. */
  readonly kind: 'flips' | 'cuts'
  readonly from: number
  readonly step: number
  /**
   * What the store may answer, apart from complaints: of a log that is damaged, what the store held
   * before.
   */
  readonly states: readonly Answers[]
}

export interface Findings {
  readonly tried: number
  readonly noticed: number
  readonly faults: readonly string[]
}
