import type { EChartsOption, LineSeriesOption } from 'echarts'
import { BarChart, LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, MarkAreaComponent, TitleComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import type { Policy } from './scenario.ts'

use([BarChart, LineChart, GridComponent, LegendComponent, MarkAreaComponent, TitleComponent, SVGRenderer])

const WIDTH = 760
const HEIGHT = 420
export const INK = '#24292f'
const FAINT = '#d0d7de'
const SMALL = { fontSize: 13, color: INK, fontFamily: 'sans-serif' }

/** The style of a line. */
export interface Look {
  readonly color: string
  readonly symbol: string
  readonly dash: 'solid' | 'dashed' | 'dotted'
}

/** The style of each policy in every plot: the palette of Okabe and Ito, and never distinguished by color alone. */
export const LOOKS: Readonly<Record<Policy, Look & { readonly decal: string }>> = {
  local: { color: '#d55e00', symbol: 'circle', dash: 'solid', decal: 'none' },
  'first-trip': { color: '#009e73', symbol: 'triangle', dash: 'dashed', decal: 'rect' },
  pooled: { color: '#0072b2', symbol: 'rect', dash: 'solid', decal: 'circle' },
}

/** A line of at most this many points marks each point. */
const FEW = 20

export function line(name: string, { color, symbol, dash }: Look, data: number[][]): LineSeriesOption {
  const showSymbol = data.length <= FEW
  const lineStyle = { width: 2.5, type: dash }
  return { type: 'line', name, color, symbol, symbolSize: 9, showSymbol, lineStyle, data }
}

/** Returns a chart as SVG. It has a background of its own, so that it is readable on light and dark pages. */
export function draw(title: string, subtitle: string, options: EChartsOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT })
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: SMALL,
    title: {
      text: title,
      subtext: subtitle,
      left: 16,
      top: 12,
      textStyle: { ...SMALL, fontSize: 17 },
      subtextStyle: SMALL,
    },
    legend: { top: 66, left: 12, itemWidth: 34, itemGap: 32, textStyle: SMALL },
    grid: { left: 74, right: 28, top: 104, bottom: 62 },
    ...options,
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return `${svg}\n`
}

/** An axis with its name alongside. */
export function axis(name: string, type: 'value' | 'log' | 'category', way: 'x' | 'y'): object {
  return {
    type,
    name,
    nameLocation: 'middle',
    nameGap: way === 'x' ? 34 : 54,
    nameTextStyle: SMALL,
    axisLabel: {
      ...SMALL,
      ...(type === 'category'
        ? { interval: 0 }
        : { formatter: (value: number) => value.toLocaleString('en') }),
    },
    axisLine: { show: true, lineStyle: { color: INK } },
    splitLine: { show: type !== 'category' && way === 'y', lineStyle: { color: FAINT } },
    minorTick: { show: type === 'log' },
  }
}
