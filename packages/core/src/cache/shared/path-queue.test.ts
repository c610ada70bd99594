import { describe, expect, it } from 'vitest'
import { PathQueue } from './path-queue.ts'

describe('a queue for each path', () => {
  it('runs the next task of a path when the one before has ended or failed, and other paths at once', async () => {
    const [queue, began, first] = [new PathQueue(), [] as string[], Promise.withResolvers<void>()]
    const task =
      (name: string, ends: Promise<void> = Promise.resolve()) =>
      async (): Promise<void> => {
        began.push(name)
        await ends
      }
    const failing = queue.run('a', task('first', first.promise))
    const next = queue.run('a', task('second'))
    await queue.run('b', task('other'))
    expect([began, queue.latest('a') === next, queue.latest('b')]).toEqual([['first', 'other'], true, undefined])
    first.reject(new Error('down'))
    await expect(failing).rejects.toThrow('down')
    await next
    expect([began, queue.latest('a')]).toEqual([['first', 'other', 'second'], undefined])
  })
})
