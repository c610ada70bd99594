// Set up in every test file: switches the mutant on, and notes which mutants each test comes by.
import { afterEach, beforeAll, beforeEach, inject } from 'vitest'

const covered = new Set<number>()
Object.assign(globalThis, { mutation: { active: inject('mutant'), covered } })
let loaded: readonly number[] = []

beforeAll(() => void (loaded = [...covered]))
beforeEach(() => covered.clear())
afterEach(({ task }) => {
  if (inject('mutant') === -1) Object.assign(task.meta, { mutants: [...covered], loaded })
})
