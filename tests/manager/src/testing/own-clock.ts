import { afterEach, beforeEach, vi } from 'vitest'

/** When each test begins, on the file's own clock. */
export const now = 1_800_000_000_000

/** How long a value is fresh by default: 300 seconds, times 0.8 to 1, of which a random half makes 0.9. */
export const ttlMs = 270_000

/** Each test of the file begins at `now` on a clock that only the test moves, draws one and the same random number, and prints no warning. */
export function onOwnClock({ random = 0.5 }: { readonly random?: number } = {}): void {
  beforeEach(() => {
    vi.useFakeTimers({ now })
    vi.spyOn(Math, 'random').mockReturnValue(random)
    vi.spyOn(process, 'emitWarning').mockReturnValue()
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })
}
