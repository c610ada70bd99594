import assert from 'node:assert/strict'
import { assertRejected, member, register, type Rules, type Suite, type Trial } from '../trial.ts'

/** A tag is text, kept exactly or refused. */
export function testTagTexts(suite: Suite): void {
  if (!suite.supports('describe')) return
  if (suite.supports('tag')) register(suite, textRules(suite))
  if (suite.supports('put', 'delete')) register(suite, purgeRules)
}

const texts = ['', '42', 'null', 'true', ' a ', 'a=b,c&d;e', '"q"', 'Ä', '密', '{"a":1}', 'x'.repeat(200), 'x'.repeat(2_000)]

const textRules = ({ supports }: Suite): Rules => ({
  'tagging: a tag is kept exactly, or refused with INVALID_ARGUMENT': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    for (const text of texts)
      for (const [key, value] of [
        ['text', text],
        [text, 'text'],
      ] as const)
        await assertKept(trial, key, value)
  },

  ...(supports('put') && {
    'tagging: a rejected write sets no tags': async (trial) => {
      const put = member(trial, 'put')
      await put(trial.path(1), { value: trial.value(1), tags: { team: 'pay' } }, trial.context)
      const ifCurrent = { version: 77, revision: 'other' }
      const late = put(trial.path(1), { value: trial.value(2), tags: { team: 'lost', lost: 'yes' }, ifCurrent }, trial.context)
      const [settled] = await Promise.allSettled([late])
      assertRejected('put', settled, 'VERSION_CONFLICT', 'UNSUPPORTED')
      assert.deepEqual(await tagsOf(trial), { team: 'pay' }, 'put rejected, and set tags')
    },
  }),
})

async function assertKept(trial: Trial, key: string, value: string): Promise<void> {
  const before = await tagsOf(trial)
  const [settled] = await Promise.allSettled([member(trial, 'tag')(trial.path(1), { [key]: value }, trial.context)])
  if (settled.status === 'rejected') assertRejected('tag', settled, 'INVALID_ARGUMENT')
  const expected = settled.status === 'rejected' ? before : { ...before, [key]: value }
  assert.deepEqual(await tagsOf(trial), expected, 'tag lost or changed a tag')
  await member(trial, 'tag')(trial.path(1), settled.status === 'rejected' ? {} : { [key]: null }, trial.context)
}

async function tagsOf(trial: Trial): Promise<Record<string, string>> {
  return { ...(await member(trial, 'describe')(trial.path(1), trial.context))?.tags }
}

const purgeRules: Rules = {
  'tagging: a purge removes the tags': async (trial) => {
    const put = member(trial, 'put')
    await put(trial.path(1), { value: trial.value(1), tags: { team: 'pay' } }, trial.context)
    await member(trial, 'delete')(trial.path(1), { purge: true }, trial.context)
    const [settled] = await Promise.allSettled([put(trial.path(1), { value: trial.value(2) }, trial.context)])
    if (settled.status === 'rejected') assertRejected('put', settled, 'DELETED')
    else assert.deepEqual(await tagsOf(trial), {}, 'delete with `purge` kept the tags')
  },
}
