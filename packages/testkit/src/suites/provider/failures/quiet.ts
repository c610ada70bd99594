import assert from 'node:assert/strict'
import { AsyncLocalStorage, createHook } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { everyCall } from './aborting.ts'
import { listsOf, readsOf, writesOf } from '../member-calls.ts'
import { assertRejected, assertValue, canary, member, register, waits, whileBroken, type Rules, type Suite, type Trial } from '../trial.ts'

/** What a provider must not leave or print. */
export function testQuiet(suite: Suite): void {
  register(suite, printRules(suite))
  register(suite, closedRules(suite))
  register(suite, listenerRules(suite))
}

const printRules = (suite: Suite): Rules => ({
  'values: nothing is printed': async (trial) => {
    const printed = await printedBy(async () => {
      await trial.seed(trial.path(1), trial.value(1))
      await useAll(suite, trial)
      if (suite.canHappen('denied')) await whileBroken(trial, 'denied', trial.path(1), () => useAll(suite, trial))
    })
    assert.ok(!printed.includes(canary), 'the provider printed a value')
  },
})

/** Every read and write, whatever its outcome. */
async function useAll(suite: Suite, trial: Trial): Promise<void> {
  const calls = [...readsOf(suite, trial, trial.path(1)), ...listsOf(trial), ...writesOf(trial, trial.path(1), undefined)]
  await Promise.allSettled(calls.map(({ run }) => run(trial.context)))
  await sleep(1) // a warning is printed in a later turn
}

const methods = ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir', 'table'] as const

/** What is written to the console, and to standard output and error. */
async function printedBy(run: () => Promise<void>): Promise<string> {
  const texts: string[] = []
  if (readers.size === 0)
    restores = [...methods.map((method) => spyOn(console, method)), ...streams.map((stream) => spyOn(stream, 'write'))]
  readers.add(texts)
  try {
    await run()
  } finally {
    readers.delete(texts)
    if (readers.size === 0) for (const restore of restores) restore()
  }
  return texts.join('\n')
}

const streams = [process.stdout, process.stderr]
/** Tests may run at once: the first one sets the spies, and the last one takes them away. */
const readers = new Set<string[]>()
let restores: readonly (() => void)[] = []

/** The method goes on to do what it did. */
function spyOn(target: object, key: string): () => void {
  const original = Reflect.get(target, key) as (...args: readonly unknown[]) => unknown // a method of the console or of a stream
  const spy = (...args: readonly unknown[]): unknown => {
    for (const texts of readers) texts.push(args.map(textOf).join(' '))
    return Reflect.apply(original, target, args)
  }
  Reflect.set(target, key, spy)
  return () => void Reflect.set(target, key, original)
}

function textOf(printed: unknown): string {
  if (printed instanceof Uint8Array) return Buffer.from(printed).toString()
  return typeof printed === 'string' ? printed : inspect(printed)
}

const closedRules = (suite: Suite): Rules => ({
  'closing: no timer or socket of the calls keeps the process running after `close`': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    const left = await leftBy(async () => {
      for (const { run } of [...readsOf(suite, trial, trial.path(1)), ...listsOf(trial)]) await run(trial.context)
      trial.provider.changes?.(() => {})
      await trial.provider.checkHealth?.(trial.context)
      await trial.provider.close?.(trial.context)
    })
    assert.deepEqual(left, [], '`close` left timers or sockets that keep the process running')
  },

  'closing: after `close` every call rejects with ABORTED, or every read works as before': async (trial) => {
    if (trial.provider.close === undefined) return
    for (const n of [1, 2]) await trial.seed(trial.path(1), trial.value(n))
    await Promise.all(readsOf(suite, trial, trial.path(1)).map(({ run }) => run(trial.context)))
    await trial.provider.close(trial.context)
    const isSeeded = await trial.seed(trial.path(1), trial.value(3)).then(
      () => true,
      () => false, // it may write by this provider
    )
    const [read] = await Promise.allSettled([trial.get(trial.path(1))])
    if (read.status === 'rejected') {
      await rejectsAll(suite, trial)
      return
    }
    assertValue(read.value, trial.value(isSeeded ? 3 : 2))
    for (const { member: name, run } of readsOf(suite, trial, trial.path(1)))
      assert.notEqual(await run(trial.context), undefined, `after \`close\`, ${name} resolved with undefined; it must reject with ABORTED`)
  },
})

const listenerRules = (suite: Suite): Rules => ({
  ...(suite.supports('changes', 'put') && {
    'closing: no listener is called after `close`': async (trial) => {
      await trial.seed(trial.path(1), trial.value(1))
      await trial.get(trial.path(1))
      let called = 0
      member(trial, 'changes')(() => (called += 1))
      await trial.provider.close?.(trial.context)
      called = 0
      await trial.seed(trial.path(1), trial.value(2)).catch(() => undefined) // it may write by this provider
      await waits(100)
      assert.equal(called, 0, 'a listener was called after `close`')
    },
  }),
})

async function rejectsAll(suite: Suite, trial: Trial): Promise<void> {
  const before = trial.harness.requests?.()
  for (const { member: name, run } of everyCall(suite, trial)) {
    const [settled] = await Promise.allSettled([run(trial.context)])
    assertRejected(`after \`close\`, ${name}`, settled, 'ABORTED')
  }
  assert.equal(trial.harness.requests?.(), before, 'a call after `close` reached the store')
}

const callers = new AsyncLocalStorage<object>()

interface Handle {
  readonly hasRef?: () => boolean
  readonly fd?: number
}

/** Types of the timers and sockets of these calls that keep the process running half a second later. */
async function leftBy(run: () => Promise<void>): Promise<readonly string[]> {
  const handles = new Map<number, readonly [type: string, handle: Handle]>()
  const hook = createHook({
    init: (id, type, _trigger, handle: Handle) => {
      if (callers.getStore() === handles && (type === 'Timeout' || type === 'TCPWRAP')) handles.set(id, [type, handle])
    },
    destroy: (id) => void handles.delete(id),
  }).enable()
  const left = (): readonly string[] => [...handles.values()].filter(([, handle]) => isOpen(handle)).map(([type]) => type)
  try {
    await callers.run(handles, run)
    for (let round = 0; round < 20 && left().length > 0; round += 1) await sleep(25)
    return left()
  } finally {
    hook.disable()
  }
}

/** A closed socket has no descriptor, and what is not referenced lets the process end. */
function isOpen(handle: Handle): boolean {
  return handle.hasRef?.() === true && handle.fd !== -1
}
