//! How the page looks, by day and by night.

pub(super) const CSS: &str = "
:root{--ink:#1c2733;--soft:#5b6b7b;--rule:#dde4ea;--ground:#fff;--panel:#f6f8fa;
--c0:#1769aa;--c1:#d9772b;--c2:#7a4fa3;--good:#1a7f4b;--bad:#c0392b}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa8b5;--rule:#2c3742;
--ground:#10161c;--panel:#18212a;--c0:#5aaee8;--c1:#f0a35e;--c2:#b694dc;--good:#5cc98f;--bad:#ef8275}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}
main{max-width:60rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.7rem;margin:0}h2{font-size:1.15rem;margin:2.5rem 0 .25rem}
h3{font-size:.95rem;margin:1.2rem 0 .2rem;font-weight:600}
.note,.sub{color:var(--soft);margin:.1rem 0 .8rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.75rem;margin-top:1.2rem}
.tile{background:var(--panel);border:1px solid var(--rule);border-radius:.5rem;padding:.8rem .9rem}
.tile b{display:block;font-size:1.4rem;white-space:nowrap;font-weight:650;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:.85rem}
section{overflow-x:auto}
svg{width:100%;height:auto;display:block}svg.narrow{display:none}
.bars{display:grid;grid-template-columns:13rem 1fr;gap:.55rem .7rem;align-items:center;font-size:.8rem;line-height:1.25}
.bars span{color:var(--soft);text-align:right}
.track{padding-right:4.5rem}.track div{position:relative;height:1.25rem}
.bar{display:block;height:100%;min-width:1px;border-radius:2px}
.whisker{position:absolute;top:50%;border-top:1.5px solid var(--ink)}
.track b{position:absolute;top:.125rem;padding-left:.5rem;font-weight:400;white-space:nowrap;font-variant-numeric:tabular-nums}
svg text{fill:var(--soft);font-size:12px;paint-order:stroke;stroke:var(--ground);stroke-width:3px}
.grid{stroke:var(--rule)}.limit{stroke:var(--bad);stroke-dasharray:5 4}svg text.limit-name{fill:var(--bad)}
.line{fill:none;stroke-width:2}.s0{stroke:var(--c0)}.s1{stroke:var(--c1)}.s2{stroke:var(--c2)}
.f0{background:var(--c0)}.f1{background:var(--c1)}.f2{background:var(--c2)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
td,th{text-align:left;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--rule);vertical-align:top}
th{color:var(--soft);font-weight:500}td.n,th.n{text-align:right}td.n{white-space:nowrap}
td.good,td.bad{white-space:nowrap}.good{color:var(--good)}.bad{color:var(--bad);font-weight:600}
td.wide{word-break:break-word;font-size:.85rem;color:var(--soft)}
@media(max-width:40rem){main{padding:1.25rem .9rem 3rem}svg.wide{display:none}svg.narrow{display:block}
.bars{grid-template-columns:1fr;gap:.1rem}.bars span{text-align:left;margin-top:.4rem}}
h1,h2,h3,.note{break-after:avoid}svg,.bars,.tile,.note,tr{break-inside:avoid}
@media print{section{overflow:visible}.bar{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
";

#[cfg(test)]
mod tests {
    use super::CSS;

    #[test]
    fn in_print_a_heading_stays_with_its_chart_and_a_chart_in_one_piece() {
        let rule = |property: &str| {
            let rules = CSS.split('}');
            let found = rules.filter_map(|rule| rule.split_once('{'));
            let selectors: Vec<&str> = found
                .filter(|(_, body)| body.contains(property))
                .flat_map(|(selectors, _)| selectors.trim().split(','))
                .collect();
            selectors
        };
        let stays = rule("break-after:avoid");
        assert!(
            ["h2", "h3", ".note"]
                .iter()
                .all(|kind| stays.contains(kind))
        );
        let whole = rule("break-inside:avoid");
        assert!(
            ["svg", ".bars", "tr"]
                .iter()
                .all(|kind| whole.contains(kind))
        );
    }

    #[test]
    fn no_chart_is_wider_than_the_screen() {
        assert!(!CSS.contains("min-width:36rem"));
        let (_, narrow) = CSS.split_once("@media(max-width:40rem)").unwrap();
        assert!(narrow.contains("svg.wide{display:none}svg.narrow{display:block}"));
    }
}
