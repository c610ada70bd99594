import type { RotationState, RotationStep } from '@finchat/secrets-rotation'
import type { ProgressLine } from '../terminal/progress.ts'

const words: { readonly [step in RotationStep]: string } = {
  due: 'is due',
  overdue: 'is overdue',
  stage: 'staging the new value in the store',
  retire: 'withdrawing the former value',
  apply: 'setting the new value at its target',
  test: 'testing the new value',
  promote: 'making the new value current',
  rollBack: 'setting the current value again',
  discard: 'discarding the staged value',
  done: 'done',
  failed: 'failed',
}

/** Shows on a terminal which step a rotation is at. */
export function shownBy(progress: ProgressLine): (state: RotationState) => void {
  return ({ name, step }) => progress.show(() => `${name}: ${words[step]}`)
}
