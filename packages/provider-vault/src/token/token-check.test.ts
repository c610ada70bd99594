import { expect, test } from 'vitest'
import { vaultAnswer, type VaultAnswer } from '../http/answer.ts'
import { timedCall } from '@finchat/secrets-core/http'
import { TokenCheck } from './token-check.ts'

const never = new AbortController().signal
const good = vaultAnswer(200, '{"data":{}}')
const refused = vaultAnswer(403, '{"errors":["permission denied"]}')

/** Every look at a token waits for its answer. */
function checkOf(): { readonly check: TokenCheck; readonly answers: ((answer: VaultAnswer) => void)[] } {
  const answers: ((answer: VaultAnswer) => void)[] = []
  const send = (): Promise<VaultAnswer> => new Promise((resolve) => answers.push(resolve))
  return { check: new TokenCheck(send, { timeoutMs: 4_500, closing: never }), answers }
}

test('concurrent calls share one check of a refused token', async () => {
  const { check, answers } = checkOf()
  const asking = Array.from({ length: 20 }, () => check.isRefused('a', check.mark, never))
  answers[0]?.(refused)
  expect([new Set(await Promise.all(asking)), answers.length]).toEqual([new Set([true]), 1])
})

test('a request that was denied after a check began causes another check', async () => {
  const { check, answers } = checkOf()
  const first = check.isRefused('a', check.mark, never)
  const later = Array.from({ length: 20 }, () => check.isRefused('a', check.mark, never))
  answers[0]?.(good)
  expect(await first).toBe(false)
  await expect.poll(() => answers.length).toBe(2)
  answers[1]?.(refused)
  expect([new Set(await Promise.all(later)), answers.length]).toEqual([new Set([true]), 2])
})

test('what was found out after a request was sent is not asked again for it, and for a later one it is', async () => {
  const { check, answers } = checkOf()
  const { mark } = check
  const first = check.isRefused('a', check.mark, never)
  answers[0]?.(refused)
  expect([await first, await check.isRefused('a', mark, never), answers.length]).toEqual([true, true, 1])
  const asked = [check.isRefused('b', mark, never), check.isRefused('a', check.mark, never)]
  for (const answer of answers.slice(1)) answer(good)
  expect([await Promise.all(asked), answers.length]).toEqual([[false, false], 3])
})

test('another token is looked at by itself, and the same again when it is denied again', async () => {
  const { check, answers } = checkOf()
  const both = [check.isRefused('a', check.mark, never), check.isRefused('b', check.mark, never)]
  answers[0]?.(refused)
  answers[1]?.(good)
  expect(await Promise.all(both)).toEqual([true, false])
  const again = check.isRefused('a', check.mark, never)
  answers[2]?.(good)
  expect(await again).toBe(false)
})

test('a caller that gives up does not end the check, and a server that cannot tell is an error for all', async () => {
  const { check, answers } = checkOf()
  const impatient = timedCall({ timeoutMs: 10, closing: never }, (signal) => check.isRefused('a', check.mark, signal))
  const patient = [check.isRefused('a', check.mark, never), check.isRefused('a', check.mark, never)]
  await expect(impatient).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  answers[0]?.(vaultAnswer(503, '{"errors":["Vault is sealed"]}'))
  for (const each of patient) await expect(each).rejects.toMatchObject({ code: 'UNAVAILABLE' })
})
