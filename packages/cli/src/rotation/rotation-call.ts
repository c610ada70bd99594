import type { OnState } from '@finchat/secrets-rotation'

/** What every call of the rotation package gets. */
export interface RotationCall {
  readonly actor: string | undefined
  readonly onState: OnState
  readonly signal: AbortSignal
}

/** As long as `rotateDue` gives each secret. The next call finishes what is cut off. */
export const deadlineMs = 300_000
