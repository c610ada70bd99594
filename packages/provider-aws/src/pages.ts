import { garbled } from './model/answers.ts'

/** What a list begins with, or how it goes on. */
export interface Page {
  readonly NextToken?: string | undefined
}

/** A list, page by page. A token that comes again would lead round in circles. */
export async function* pagesOf<Answer extends Page>(fetch: (next: Page) => Promise<Answer>): AsyncGenerator<Answer> {
  const tokens = new Set<unknown>()
  let next: Page | undefined = {}
  while (next !== undefined) {
    const page: Answer = await fetch(next)
    yield page
    const { NextToken } = page
    if (tokens.has(NextToken)) throw garbled()
    tokens.add(NextToken)
    next = NextToken === undefined ? undefined : { NextToken }
  }
}
