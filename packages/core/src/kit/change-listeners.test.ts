import { describe, expect, test, vi } from 'vitest'
import { ChangeListeners } from './change-listeners.ts'

describe('the listeners of changes', () => {
  test('are called with the path, or without one', () => {
    const listeners = new ChangeListeners()
    const listener = vi.fn<(path?: string) => void>()
    listeners.add(listener)
    listeners.notify('a')
    listeners.notify()
    expect(listener.mock.calls).toEqual([['a'], [undefined]])
  })

  test('end one by one, also the same function twice', () => {
    const listeners = new ChangeListeners()
    const listener = vi.fn<() => void>()
    const ends = [listeners.add(listener), listeners.add(listener)]
    ends[0]?.()
    ends[0]?.()
    listeners.notify('a')
    expect(listener).toHaveBeenCalledTimes(1)
  })

  test('are not called once another one ended them', () => {
    const listeners = new ChangeListeners()
    const ended = vi.fn<() => void>()
    listeners.add(() => end())
    const end = listeners.add(ended)
    listeners.notify('a')
    expect(ended).not.toHaveBeenCalled()
  })

  test('do not keep each other from being called', () => {
    const listeners = new ChangeListeners()
    const listener = vi.fn<() => void>()
    listeners.add(() => {
      throw new Error('of the listener')
    })
    listeners.add(listener)
    listeners.notify('a')
    expect(listener).toHaveBeenCalledTimes(1)
  })

  test('watch the store from the first to the last', () => {
    const watched: string[] = []
    const listeners = new ChangeListeners(() => {
      watched.push('begins')
      return () => watched.push('ends')
    })
    expect(watched).toEqual([])
    const ends = [listeners.add(() => {}), listeners.add(() => {})]
    ends[0]?.()
    expect(watched).toEqual(['begins'])
    ends[1]?.()
    ends[1]?.()
    expect(watched).toEqual(['begins', 'ends'])
    listeners.add(() => {})
    listeners.close()
    expect(watched).toEqual(['begins', 'ends', 'begins', 'ends'])
  })

  test('are none after the close', () => {
    const watch = vi.fn<() => () => void>()
    const listeners = new ChangeListeners(watch)
    listeners.close()
    const listener = vi.fn<() => void>()
    listeners.add(listener)()
    listeners.notify()
    expect([listener.mock.calls, watch.mock.calls]).toEqual([[], []])
  })
})
