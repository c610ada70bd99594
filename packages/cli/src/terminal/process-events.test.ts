import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runChild } from '../testing/child.ts'
import { makeProject } from '../testing/make-project.ts'

const own = new URL('process-events.ts', import.meta.url).href

describe('a program whose question can never be answered', () => {
  const endedBy = async (rest: string, args: readonly string[] = []) => {
    const cwd = makeProject({ 'asks.mjs': `import { endUnanswered } from '${own}'\nconst hasAnswer = endUnanswered(process)\n${rest}` })
    return runChild(args, { cwd, program: join(cwd, 'asks.mjs') })
  }

  it('ends as by Ctrl-C, not with the warning and the code 13 of Node.js', async () => {
    const { code, stderr } = await endedBy('await new Promise(() => {})')
    expect([code, stderr]).toEqual([130, expect.stringMatching(/^error: interrupted\nwhy: .+\nfix: .+\n$/)])
    expect(JSON.parse((await endedBy('await new Promise(() => {})', ['--json'])).stderr)).toMatchObject({ error: { code: 'INTERRUPTED' } })
  })

  it('ends as it likes once it is answered', async () => {
    expect(await endedBy('process.exitCode = 3\nhasAnswer()')).toEqual({ code: 3, stdout: '', stderr: '' })
  })
})
