import type { ServerName } from '@finchat/secrets-test-servers'

/** What one round of one contender measured, by metric. */
export type Sample = Readonly<Record<string, number>>

export interface Task {
  /** 1, or a small part of it for a smoke run: how much of its usual work a round does. */
  readonly scale: number
  /** When this process was started, in milliseconds since the epoch. */
  readonly spawnedAt: number
  /** What the scenario's `prepare` made: addresses, tokens, files. */
  readonly setting: Readonly<Record<string, string>>
}

/** A contender that is ready to run its rounds. */
export interface Running {
  readonly round: () => Promise<Sample>
  readonly close?: (() => Promise<void>) | undefined
}

/** Makes itself ready in the process that is its own. */
export type Contender = (task: Task) => Running | Promise<Running>

export interface Entrant {
  readonly role: 'ours' | 'peer' | 'limit'
  /** Loaded only in the contender's own process, which imports nothing of the others. */
  readonly load: () => Promise<Contender>
}

/**
 * What is measured is compared with a goal in one of these ways. A claim without a goal states a
 * figure.
 */
export type Goal =
  | { readonly kind: 'ratio'; readonly to: 'peer' | 'limit'; readonly atMost: number }
  | { readonly kind: 'faster'; readonly to: 'peer' | 'limit'; readonly times: number }
  | { readonly kind: 'difference'; readonly to: 'peer' | 'limit'; readonly atMost: number }
  | { readonly kind: 'value'; readonly atMost: number }

/** One row of the table: names of entrants, and the metric in which they are compared. */
export interface Claim {
  readonly what: string
  readonly metric: string
  readonly ours: string
  readonly peer?: string
  readonly limit?: string
  readonly goal?: Goal
}

export interface Stage {
  readonly setting: Task['setting']
  readonly end?: () => Promise<void>
}

export type Unit = 'ns' | 'µs' | 'ms' | 'MB' | 'KB' | ''

export interface Scenario {
  readonly title: string
  /**
   * `kept`: one process for each entrant, warmed up by a round that does not count. `fresh`: a new
   * process for each round.
   */
  readonly processes: 'kept' | 'fresh'
  readonly nodeOptions?: readonly string[]
  readonly metrics: Readonly<Record<string, Unit>>
  /** Real servers that it starts; a smoke run leaves it out. */
  readonly servers?: readonly ServerName[]
  /** Servers and files, made by the harness's own process. */
  readonly prepare?: (scale: number) => Promise<Stage>
  readonly entrants: Readonly<Record<string, Entrant>>
  readonly claims: readonly Claim[]
}
