import { describe, expect, it, vi } from 'vitest'
import { makeProject } from '../testing/make-project.ts'
import { programIn } from '../testing/program-in.ts'

/** A store that does what it is asked for, but cannot be closed. */
const config = `
  const values = {}
  const own = () => ({
    specificationVersion: 'v1',
    name: 'own',
    get: async (path) => values[path] && { value: values[path] },
    put: async (path, { value }) => { values[path] = value; return {} },
    close: async () => { throw new Error('socket of canary-71') },
  })
  export default { provider: 'own', fallbacks: [], providers: { own } }`

describe('a store that cannot be closed', () => {
  const folder = makeProject({ 'own.mjs': config })
  const run = async (args: readonly string[], input?: string) => {
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined)
    warned.mockClear()
    const outcome = await programIn(folder).run([...args, '--config', 'own.mjs'], input)
    return { ...outcome, warnings: warned.mock.calls.map(([text]) => String(text)) }
  }
  const warnings = ['closed and wiped, but not everything could be ended: own']

  it('is a warning behind what is done', async () => {
    expect(await run(['set', 'TOKEN', '--json'], 'hunter2')).toMatchObject({ code: 0, stderr: '', warnings })
    expect(await run(['get', 'TOKEN'])).toEqual({ code: 0, stdout: 'hunter2', stderr: '', warnings })
  })

  it('hides no error of the command', async () => {
    const { code, stderr } = await run(['get', 'NOPE'])
    expect([code, stderr]).toEqual([66, expect.stringContaining('NOT_FOUND')])
  })
})
