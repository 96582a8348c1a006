"""Words that hold a sentence together and say nothing of what it is about."""

from __future__ import annotations

#: By language (ISO 639-1), folded as `analysis.fold` does.
FUNCTION_WORDS: dict[str, frozenset[str]] = {
    lang: frozenset(words.split())
    for lang, words in {
        "en": """
            a about after all also am an and any are as at be been but by can cannot could did do does don for from get
            had has have he help here how i if in into is it its ll m may me might my need no not now of on or our out
            please re s same she should so some t than that the their them then there these they this those to too us ve
            want was we were what when where which who why will with would you your yours
        """,
        "pl": """
            a aby ale albo bardzo bez bo bym by byc byl co czy dla do dlaczego gdy gdzie go i ich im inny ja jak jaki
            jakie jako je jego jej jest jestem jesli juz kiedy kto ktora ktore ktory lub ma mam mi mam mnie moge moj
            moja moje mojego mojej moim mojemu mozna musze na nad nam nas nie niz o od on ona one oni oraz po pod prosze
            przed przez przy sa sie sobie ta tak tam te tego tej ten to tu tutaj tym ty u w we z za ze zeby
        """,
        "nl": """
            aan al als alle ben bij dan dat de den der deze die dit doe door een en er ga had heb hebben heeft het hij
            hoe hun ik in is ik je jij jouw kan kun kunnen maar me mee met mij mijn moet na naar niet nog nu of om ons
            ook op over te toch tot u uit uw van voor waar waarom wat we wel wie wij wil worden wordt ze zich zij zijn
            zo
        """,
        "it": """
            a ad al alla alle allo anche c ce che chi ci come con cosa cui d da dal dalla dei del della delle di dove e
            ed faccio fare gli ha hai ho i il in io l la le lo loro ma me mi mia mie mio miei ne nel nella non o per
            perche piu posso puo qual quale quando quello questa questo qui se sei si sono sta su sua sul sulla suo ti
            tra tu tuo un una uno va vi voglio
        """,
        "ru": """
            а без бы был была были было быть в вам вас ведь весь во вот все всего вы где да для до его ее если есть еще
            же за здесь и из или им их к как какая какие какои когда кто ли лучше меня мне много могу можно мои мое моем
            моеи моего мою моя мы на над надо нам нас не него нее нет ни но ну нужно о об он она они оно от очень по под
            после почему при с сам себя со так также там те тем то тоже того тои только том ты у уже хочу чем что чтобы
            эта эти это этого этои этот я
        """,
        "de": """
            aber alle als also am an auch auf aus bei beim bin bis bitte da dann das dass dem den der des die dies diese
            dieser dieses doch du durch ein eine einem einen einer eines er es etwas fur geht gibt hab habe haben hat
            hier ich ihr im in ist ja kann kein keine konnen man mein meine meinem meinen meiner mich mir mit muss nach
            nicht noch nun nur ob oder ohne sein sich sie sind so soll uber um und uns unser vom von vor wann warum was
            welche wenn wer werden wie will wir wird wo zu zum zur
        """,
        "fr": """
            a ai ainsi alors apres as au aussi aux avec avoir c ca car ce cela ces cet cette chez comme comment d dans
            de des du elle en es est et etre eu fait faire faut il ils j je l la le les leur lui m ma mais me mes moi
            mon n ne nos notre nous on ont ou par pas peut peux plus pour pourquoi qu quand que quel quelle qui quoi s
            sa sans se ses si son sont suis sur ta te tes toi ton tu un une va vais veux vos votre vous y
        """,
        "es": """
            a al algo ante aqui asi aun con como cual cuando de del desde donde e el ella ellos en entre era es esa ese
            eso esta estan este esto estoy fue ha hace hacer han hasta hay he la las le les lo los mas me mi mis muy
            nada ni no nos o os otra otro para pero por porque puede puedo que quien quiero se ser si sin sobre son su
            sus te tengo tiene tu tus u un una uno unos y ya yo
        """,
    }.items()
}
#: Of any of these languages, where nothing tells in which one somebody writes.
ANY_FUNCTION_WORD = frozenset[str]().union(*FUNCTION_WORDS.values())
