import { posix } from 'node:path'
import { isTestCode, type Files } from './files.ts'
import { importsOf } from './imports.ts'

/**
 * A package's source files without test code, each with the files of the same package that it
 * imports.
 */
export type ImportGraph = ReadonlyMap<string, readonly string[]>

/** Builds the graph from `<folder>/src`. Type-only imports count. */
export function importGraphOf(files: Files, folder: string): ImportGraph {
  const sources = [...files].filter(([path]) => path.startsWith(`${folder}/src/`) && /\.[cm]?ts$/.test(path) && !isTestCode(path))
  const paths = new Set(sources.map(([path]) => path))
  return new Map(sources.map(([path, text]) => [path, [...new Set(localImports(path, text))].filter((target) => paths.has(target))]))
}

function localImports(path: string, text: string): string[] {
  const relative = importsOf(text).filter((specifier) => specifier.startsWith('.'))
  return relative.map((specifier) => posix.join(posix.dirname(path), specifier))
}

/** The folder of a source below `<folder>/src`; `.` for `src` itself. */
export function roomOf(folder: string, path: string): string {
  return posix.relative(`${folder}/src`, posix.dirname(path)) || '.'
}

/**
 * Groups of files that import each other in a circle: the strongly connected components with more
 * than one file (Tarjan, 1972).
 */
export function circlesOf(graph: ImportGraph): string[][] {
  const order = new Map<string, number>()
  const stack: string[] = []
  const circles: string[][] = []
  const visit = (path: string): number => {
    order.set(path, order.size)
    let low = order.get(path) ?? 0
    stack.push(path)
    for (const target of graph.get(path) ?? []) {
      if (!order.has(target)) low = Math.min(low, visit(target))
      else if (stack.includes(target)) low = Math.min(low, order.get(target) ?? low)
    }
    if (low === order.get(path)) {
      const group = stack.splice(stack.indexOf(path))
      if (group.length > 1) circles.push(group.toSorted())
    }
    return low
  }
  for (const path of graph.keys()) if (!order.has(path)) visit(path)
  return circles
}

/** One import of a file in a folder that stands later in the list `rooms`, lowest first. */
export interface UpwardImport {
  readonly from: string
  readonly to: string
}

export function upwardImports(graph: ImportGraph, folder: string, rooms: readonly string[]): UpwardImport[] {
  const height = (path: string): number => rooms.indexOf(roomOf(folder, path))
  return [...graph].flatMap(([from, targets]) => targets.filter((to) => height(to) > height(from)).map((to) => ({ from, to })))
}
