import { parser } from '@prometheus-io/lezer-promql'
import type { SyntaxNode } from '@lezer/common'

/** What a query selects and groups. */
export interface Query {
  readonly selectors: readonly Selector[]
  /** The labels that it groups or matches by. */
  readonly groupings: readonly string[]
}

export interface Selector {
  readonly metric: string
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[]
}

/** Parses a query, with a duration substituted for Grafana's `$__rate_interval`. */
export function readQuery(source: string): Query {
  const query = source.replaceAll('$__rate_interval', '5m')
  const text = ({ from, to }: SyntaxNode): string => query.slice(from, to)
  const selectors: Selector[] = []
  const groupings: string[] = []
  parser.parse(query).iterate({
    enter: ({ type, node, from }) => {
      if (type.isError) throw new SyntaxError(`PromQL at ${from}: ${query}`)
      if (type.name === 'VectorSelector') {
        const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []
        selectors.push({
          metric: text(node.getChild('Identifier')!),
          matchers: matchers.map((matcher) => ({
            label: text(matcher.getChild('LabelName')!),
            operator: text(matcher.getChild('MatchOp')!),
            value: text(matcher.getChild('StringLiteral')!).slice(1, -1),
          })),
        })
      }
      if (type.name === 'GroupingLabels') groupings.push(...node.getChildren('LabelName').map(text))
    },
  })
  return { selectors, groupings }
}
