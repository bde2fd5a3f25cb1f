interface Bar {
  key: string;
  /** Under the bar. */
  label: string;
  value: number;
  /** The value as people read it. */
  text: string;
}

const HEIGHT = 160;
const TOP = 18;
const MOST_LABELS = 12;

/** A chart of bars, each within `step` units of width. People who do not see it have it as a table. */
export function Bars({ caption, bars, step = 40 }: { caption: string; bars: readonly Bar[]; step?: number }) {
  const most = Math.max(...bars.map(({ value }) => value), 0) || 1;
  const width = Math.max(bars.length, 1) * step;
  const every = Math.ceil(bars.length / MOST_LABELS);
  return (
    <figure className="bars">
      <figcaption>{caption}</figcaption>
      <svg
        viewBox={`0 0 ${width} ${HEIGHT + TOP + 20}`}
        aria-hidden="true"
        preserveAspectRatio="xMidYMid meet"
      >
        <line x1="0" x2={width} y1={HEIGHT + TOP} y2={HEIGHT + TOP} className="axis" />
        {bars.map(({ key, label, value, text }, index) => {
          const height = (value / most) * HEIGHT;
          return (
            <g key={key}>
              <rect x={index * step + 5} y={HEIGHT + TOP - height} width={step - 10} height={height} rx="3">
                <title>{`${label}: ${text}`}</title>
              </rect>
              {index % every === 0 && (
                <text x={index * step + step / 2} y={HEIGHT + TOP + 14} textAnchor="middle">
                  {label}
                </text>
              )}
            </g>
          );
        })}
      </svg>
      <table className="unseen">
        <caption>{caption}</caption>
        <tbody>
          {bars.map(({ key, label, text }) => (
            <tr key={key}>
              <th scope="row">{label}</th>
              <td>{text}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
